package hwasim

// logFaults are jobs whose log tells why they ended in error.
func logFaults() []faultSpec {
	log := func(name, summary, victim string, f failure, rc int32) faultSpec {
		return faultSpec{Fault: Fault{Name: name, Summary: summary}, inject: func(s *Sim) (int32, error) { return s.abendVictim(victim, f, rc) }}
	}
	return []faultSpec{
		log("disk-full", "a job ended ABEND: the file system is full", "DWH_AGT1#DWH_STAGE.DWS_CARDS", failDiskFull, 4),
		log("permission-denied", "a job ended ABEND: its user may not write the file", "DWH_AGT3#DWH_ARCHIVE.DWA_COPY", failPermission, 126),
		log("db-table-missing", "a job ended ABEND: a table does not exist (ORA-00942)", "DWH_AGT1#DWH_STAGE.DWS_LOANS", failORA942, 12),
		log("out-of-memory", "a job ended ABEND: its Java heap is exhausted", "CRD_AGT1#CRD_REWARDS.RWD_CALC", failHeap, 3),
		log("file-transfer", "a file transfer job ended ABEND (AWKFTE007E)", "REG_AGT1#REG_FEED.REG_UPLOAD", failFTE007, 1),
		log("script-missing", "a job ended ABEND: its script does not exist, return code 127", "CRD_AGT2#CRD_LIMITS.CLM_SCORE", failScript, 127),
		log("db-password-expired", "a job ended ABEND: the password of its database user has expired (ORA-28001)", "LOAN_AGT1#LOAN_EXPORT.LEX_UNLOAD", failDBLogin, 1),
		log("connect-timeout", "a job ended ABEND: a remote service does not answer", "FX_AGT1#FX_RATES.FX_GET", failTimeout, 7),
		log("host-unknown", "a job ended ABEND: the name of a remote host cannot be resolved", "STM_AGT1#STM_MAIL.STM_GATEWAY", failNetwork, 255),
		log("duplicate-key", "a job ended ABEND: the data was loaded before (ORA-00001)", "GL_AGT1#GL_FX.GLX_IMPORT", failDuplicate, 12),
		log("snapshot-too-old", "a job ended ABEND: the query ran too long (ORA-01555)", "RISK_AGT1#RISK_CREDIT.RCR_RATING", failORA1555, 12),
		log("certificate-expired", "a job ended ABEND: the certificate of the remote site has expired", "ATM_AGT2#ATM_JOURNAL.ATJ_PULL", failCertificate, 60),
		log("control-total", "a job ended ABEND: its control total does not match, return code 8", "ATM_AGT1#ATM_STATS.ATS_COLLECT", failReturnCode, 8),
	}
}

// transportFaults disturb every connection until Transport("none", …) is called.
func transportFaults() []faultSpec {
	var out []faultSpec
	for _, f := range []Fault{
		{Name: "latency", Summary: "every answer takes two seconds longer"},
		{Name: "http-5xx", Summary: "every request is answered 503 by a proxy"},
		{Name: "reset", Summary: "connections are reset before an answer"},
		{Name: "reset-after", Summary: "requests are carried out, then the connection is reset: the outcome is unknown to the caller"},
		{Name: "cut", Summary: "answers end in the middle"},
		{Name: "login-page", Summary: "every request is answered 200 with an HTML login page"},
		{Name: "slow", Summary: "answers trickle in over two seconds"},
		{Name: "refuse", Summary: "the engine does not talk at all"},
	} {
		out = append(out, faultSpec{Fault: f, quiet: true, inject: func(s *Sim) (int32, error) { return -1, s.Transport(f.Name, -1, 0, 0) }})
	}
	return out
}
