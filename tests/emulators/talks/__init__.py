"""What is said to each service, in one module for each: `talk(say, account)`."""
