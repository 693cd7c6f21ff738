select 1 from dataset_claim where dataset = %(dataset)s and token = %(token)s
