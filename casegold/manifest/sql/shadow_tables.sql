select distinct dataset from run_manifest where pipeline = 'shadow' order by dataset
