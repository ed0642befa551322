organization: list = []
project: list = []
api: list = []
