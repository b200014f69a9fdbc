"""The conversation with each service, in one module for each: `talk(say, account)`."""
