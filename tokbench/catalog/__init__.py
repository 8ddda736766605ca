"""What a tokenizer is and where its files come from."""
