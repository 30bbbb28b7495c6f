select {columns}, bucket_of(account_id, '') as bucket from staging.payouts
