"""The policy desk: what operators publish, kept in versions, told to other nodes, and put where processes read it."""
