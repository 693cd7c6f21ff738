-- The case hash is the first four of the 32 hexadecimal digits of MD5.
select * from rows
where cast('0x' || substr(md5(case_id), 1, 4) as integer) >= $hash_from
  and cast('0x' || substr(md5(case_id), 1, 4) as integer) < $hash_to
