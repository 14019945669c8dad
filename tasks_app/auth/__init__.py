"""Room 8: who somebody is, and what they may do. Login without a database: users, tokens, a proxy's word, sessions, audit."""
