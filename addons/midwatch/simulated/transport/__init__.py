"""How the simulated providers' answers travel: TLS, HTTP/1.1, HTTP/2, WebSocket."""
