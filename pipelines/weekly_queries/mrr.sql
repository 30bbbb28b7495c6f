select
    by_day.date,
    sum(by_day.closing_mrr) as mrr,
    rate.numerator,
    rate.denominator
from mrr_by_day as by_day
join exchange_rates as rate on rate.date = by_day.date and rate.currency = by_day.currency
where by_day.date in ($before, $last)
group by all
