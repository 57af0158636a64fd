profile = "shop"
