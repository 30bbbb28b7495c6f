select
    account_id,
    id,
    account.country,
    account.default_currency,
    account.settings.dashboard.timezone,
    account.settings.dashboard.display_name
from (
    select account_id, id, json_transform(payload, '{
        "country": "VARCHAR",
        "default_currency": "VARCHAR",
        "settings": {"dashboard": {"timezone": "VARCHAR", "display_name": "VARCHAR"}}
    }') as account
    from current_accounts
    where not deleted
)
