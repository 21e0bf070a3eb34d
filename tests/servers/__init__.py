"""Real servers for tests: started unprivileged on loopback, on random ports, stopped by their own process id."""
