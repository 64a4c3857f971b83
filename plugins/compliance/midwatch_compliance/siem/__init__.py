"""SIEM: findings and enforcement as events for other systems; written down first, sent when the receiver takes them."""
