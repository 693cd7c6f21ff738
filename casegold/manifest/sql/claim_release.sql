delete from dataset_claim where dataset = %(dataset)s and token = %(token)s
