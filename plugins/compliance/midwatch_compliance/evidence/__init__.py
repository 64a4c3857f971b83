"""Evidence: what Midwatch knows of a tenant and a period, collected once for each report; `judging` reads it."""
