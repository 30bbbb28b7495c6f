"""Disputes: what each reason asks for, and the evidence that is written from what is known of a payment. Knows no
database and sends nothing."""
