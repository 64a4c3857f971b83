"""gRPC for Midwatch: ingest and scan, with health and reflection."""
