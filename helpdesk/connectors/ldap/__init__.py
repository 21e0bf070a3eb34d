"""The directory behind the port: any LDAP server, OpenLDAP-style or Active Directory.

From the wire up: ``deadline`` and ``wire`` (a verified TLS socket, or nothing), ``ber``, ``controls`` and
``messages`` (what is said on it), ``client`` (one LDAP operation), ``link`` (a bound connection that comes back),
``style`` with ``openldap`` and ``active_directory`` (what differs between servers), ``discovery`` (what the server
tells about itself), ``reader`` and ``session`` (look-ups and writes), ``refusals`` (result codes as sentences),
``signing_in`` and ``directory`` (the way in).
"""
