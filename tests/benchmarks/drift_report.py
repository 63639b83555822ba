def report(*a):
    raise SystemExit("later")
