-- Let nobody change live deliveries until the transaction ends; reading goes on.
LOCK TABLE dispatcher_delivery IN SHARE MODE
