-- Write a customer.
INSERT INTO core_customer (id, account_id, name, email, description, phone, address, shipping, metadata)
VALUES (%(id)s, %(account_id)s, %(name)s, %(email)s, %(description)s, %(phone)s,
        %(address)s::jsonb, %(shipping)s::jsonb, %(metadata)s::jsonb)
