"""What several stages and apps need: text, tokenizers, the model, training."""
