"""The catalogue as a file: what is for sale and what customers may do in the portal, held against the account."""
