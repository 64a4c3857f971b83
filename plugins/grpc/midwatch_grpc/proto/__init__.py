"""The service's definition, `midwatch/v1/*.proto`, and the stubs that `make proto` writes of it."""
