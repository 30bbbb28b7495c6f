select {columns}, bucket_of(account_id, id) as bucket from staging.customers
