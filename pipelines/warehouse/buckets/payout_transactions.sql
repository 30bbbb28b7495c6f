select {columns}, bucket_of(account_id, payout_id) as bucket from staging.payout_transactions
