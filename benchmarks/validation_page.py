def write(results, path):
    pass
