"""Systems in memory that keep their port's promises, or break them where a test says so."""
