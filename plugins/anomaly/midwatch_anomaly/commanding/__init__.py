"""The commands of the plugin: `midwatch anomaly replay`."""
