"""How each provider type proves who we are: keys, tokens and their refresh. Knows no protocol body."""
