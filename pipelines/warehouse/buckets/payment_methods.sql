select {columns}, bucket_of(account_id, coalesce(customer_id, id)) as bucket from staging.payment_methods
