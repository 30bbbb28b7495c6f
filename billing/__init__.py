"""Acts on Stripe: plans, approvals, actions and their trail. It is handed flags, settings and a clock."""
