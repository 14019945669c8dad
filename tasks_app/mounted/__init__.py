"""The room of a guest: what it takes to stand under a prefix of another project, beside its pages, its middlewares, users and templates."""
