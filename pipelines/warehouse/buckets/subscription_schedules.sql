select {columns}, bucket from staging.subscription_schedules
inner join (select account_id, id, bucket from of_schedules) as found using (account_id, id)
