"""The directory behind the port: any LDAP server, OpenLDAP-style or Active Directory.

From the wire up: ``deadline`` and ``wire`` (a verified TLS socket, or nothing), ``client`` (one LDAP
operation), ``link`` (a bound connection that comes back), ``discovery`` (what the server tells about itself),
``reader`` and ``session`` (look-ups and writes), ``directory`` (the way in).
"""
