"""IoTask in another project: the wheel, installed beside a shop with users, a database, middlewares and templates of its own."""
