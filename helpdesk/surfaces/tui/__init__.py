"""The full-screen app: panes over the same event stream that the chat and the command line read."""
