"""Who talks to which AI service, read or not, and clients that refuse our certificate."""
