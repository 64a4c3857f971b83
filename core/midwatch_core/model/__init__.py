"""The words of Midwatch: frozen value types that every room speaks, with no clock, file or network in them."""
