select {columns}, bucket from staging.invoices
inner join of_invoices as found using (account_id, id)
