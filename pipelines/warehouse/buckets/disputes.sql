select {columns}, bucket from staging.disputes
inner join of_disputes as found using (account_id, id)
