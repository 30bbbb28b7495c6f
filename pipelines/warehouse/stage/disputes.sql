select
    account_id,
    id,
    id_of(dispute.charge) as charge_id,
    id_of(dispute.payment_intent) as payment_intent_id,
    dispute.amount,
    dispute.currency,
    dispute.reason,
    dispute.status,
    dispute.network_reason_code,
    dispute.payment_method_details.card.network as card_network,
    dispute.is_charge_refundable,
    dispute.evidence_details.due_by as evidence_due_at,
    dispute.evidence_details.has_evidence as evidence_has_evidence,
    dispute.created as created_at
from (
    select account_id, id, json_transform(payload, '{
        "charge": "VARCHAR",
        "payment_intent": "VARCHAR",
        "amount": "VARCHAR",
        "currency": "VARCHAR",
        "reason": "VARCHAR",
        "status": "VARCHAR",
        "network_reason_code": "VARCHAR",
        "payment_method_details": {"card": {"network": "VARCHAR"}},
        "is_charge_refundable": "VARCHAR",
        "evidence_details": {"due_by": "VARCHAR", "has_evidence": "VARCHAR"},
        "created": "VARCHAR"
    }') as dispute
    from current_disputes
    where not deleted
)
