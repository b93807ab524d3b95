"""What the rooms share: documents, records, ledger, shards, licences, languages, energy, errors. No torch here."""
