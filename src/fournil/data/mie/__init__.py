"""Original parallel French and English documents, so that the recipe "mie" bakes without a network."""
