-- What the invoice was for.
select description, period_start_at as start, period_end_at as "end"
from staging.invoice_lines
where account_id = $account and invoice_id = $invoice
order by position
