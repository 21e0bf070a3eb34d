"""What outlives its process: approved requests, access that ends by itself, processes of several steps."""
