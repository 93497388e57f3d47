package conman

import (
	"strings"
)

// cue tells the kind that the words around a token announce: "job X", "X job",
// "workstation named X", and the further names of a list, "jobs X, Y and Z".
func (x *extractor) cue(i int) Kind {
	if k := x.cueBefore(i); k != "" {
		return k
	}
	return x.cueAfter(i)
}

func (x *extractor) cueBefore(i int) Kind {
	for back, at := 0, i-1; at >= 0 && back < 3; back, at = back+1, at-1 {
		if x.separated(at, i) {
			return ""
		}
		word := strings.ToLower(x.tokens[at].text)
		switch {
		case x.tokens[at].quoted:
			return ""
		case x.tokens[at].taken != "":
			return x.listKind(at, i)
		case isFiller(word):
			continue
		}
		return kindWord(word)
	}
	return ""
}

// listKind carries the kind on through a list of names.
func (x *extractor) listKind(at, i int) Kind {
	between := strings.ToLower(strings.TrimSpace(x.text[x.tokens[at].end:x.tokens[i].start]))
	switch strings.Trim(between, "\"'`, ") {
	case "", "and", "or", "e", "ou", "y", "&":
	default:
		return ""
	}
	if between == "" || x.tokens[at].taken == KindName || x.tokens[at].taken == KindID {
		return ""
	}
	return x.tokens[at].taken
}

// separated reports whether a sentence ends between two tokens.
func (x *extractor) separated(a, b int) bool {
	return strings.ContainsAny(x.text[x.tokens[a].end:x.tokens[b].start], ".!?;\n")
}

// cueAfter looks at the word after: "the PAYROLL job", "FTA1 workstation".
func (x *extractor) cueAfter(i int) Kind {
	if i+1 >= len(x.tokens) || strings.TrimSpace(x.text[x.tokens[i].end:x.tokens[i+1].start]) != "" {
		return ""
	}
	word := strings.ToLower(x.tokens[i+1].text)
	if word == "job" && i+2 < len(x.tokens) && strings.HasPrefix(strings.ToLower(x.tokens[i+2].text), "stream") {
		return KindStream
	}
	if strings.HasSuffix(word, "s") { // "ETL jobs" are jobs of a kind, not the job ETL
		return ""
	}
	return kindWord(word)
}

// kindWord is the kind that a noun announces, in English, Portuguese or Spanish.
func kindWord(word string) Kind {
	switch word {
	case "job", "jobs", "tarefa", "tarefas", "trabajo", "trabajos", "rotina":
		return KindJob
	case "stream", "streams", "jobstream", "jobstreams", "schedule", "schedules", "sched", "fluxo", "fluxos":
		return KindStream
	case "workstation", "workstations", "agent", "agents", "cpu", "cpus", "fta", "estação", "estacao", "estações", "agente", "agentes", "estación", "pool":
		return KindWorkstation
	case "resource", "resources", "recurso", "recursos":
		return KindResource
	case "prompt", "prompts":
		return KindPrompt
	}
	return ""
}

// isFiller is a word that may stand between the noun and the name.
func isFiller(word string) bool {
	switch word {
	case "named", "called", "name", "nome", "chamado", "chamada", "llamado", "and", "or", "e", "ou", "the", "o", "a":
		return true
	}
	return false
}

// isState reports states of jobs, streams, prompts and workstations. "The job
// ABEND" is a sentence, never a name.
func isState(word string) bool {
	upper := strings.ToUpper(word)
	for _, prefix := range [...]string{"READY_WAITING_", "READY_SUPPRESSED", "READY_SUBMITTED", "HOLD_WAITING_", "HOLD_UNEXPECTED_", "HOLD_PRIORITY_", "SUPPR_UNSAT", "SUPPR_WORKST", "SUCC_DO_NOT_RUN", "SUCC_COMPLETED", "NOT_ASKED", "ANSWERED_", "HIGH_RISK", "POTENTIAL_RISK", "ON_TRACK"} {
		if strings.HasPrefix(upper, prefix) {
			return true
		}
	}
	switch upper {
	case "ABEND", "ABENDED", "ABENDS", "ABENP", "ADD", "BLOCKED", "BOUND", "CANCEL", "CANCELED", "CANCELLED", "CANCL", "CANCLP", "COMPLETE", "COMPLETED", "COMPLT", "DELETED", "DONE", "END", "ENDED", "ERROR", "ERRORS", "EXEC", "EXTRN",
		"FAIL", "FAILED", "FAILS", "FENCE", "HELD", "HOLD", "INTRO", "INTERRUPTED", "LATE", "LINKED", "UNLINKED", "PEND", "PENDING", "READY", "RUN", "RUNNING", "SCHED", "STARTED", "STOPPED", "STUCK", "SUCC", "SUCCP", "SUCCEED", "SUCCESS",
		"SUCCESSFUL", "SUPPR", "SUPPRESSED", "SUPPRESS", "SUSP", "UNDECIDED", "UNKNOWN", "WAIT", "WAITD", "WAITING", "OK", "YES", "NO", "ONLINE", "OFFLINE", "ACTIVE", "INACTIVE", "STOP", "CONTINUE", "RERUN", "JOBMAN_UP", "WRITER_UP", "FULLYLINKED", "FULLY_LINKED":
		return true
	}
	return false
}

// isKeyword reports words of the product that are sometimes also names: they
// count only when the text says what they are ("stream FINAL").
func isKeyword(word string) bool {
	switch strings.ToUpper(word) {
	case "FINAL", "FINALPOSTREPORTS", "JNEXTPLAN", "SYMPHONY", "SYMNEW", "SINFONIA", "JOBS", "MASTERDM", "EVERY", "UNTIL", "DEADLINE", "LIMIT", "PRIORITY", "NEEDS", "OPENS", "FOLLOWS", "CARRYFORWARD", "ALIAS", "INTO", "SCHEDID", "JOB", "STREAM", "JOBSTREAM",
		"WORKSTATION", "RESOURCE", "PROMPT", "PLAN", "MAKEPLAN", "SWITCHPLAN", "RESETPLAN", "PLANMAN", "STAGEMAN", "BATCHMAN", "MAILMAN", "JOBMAN", "JOBMON", "NETMAN", "WRITER", "MONMAN", "CONMAN", "COMPOSER", "OPTMAN", "OCLI", "LOGMAN",
		"JOBMANAGER", "TWSMERGE", "LOCALOPTS", "GLOBALOPTS", "USEROPTS", "STDLIST", "TWSHOME", "FOLDER", "CALENDAR", "DOMAIN", "PRODUCTION", "PROD", "TEST", "UAT":
		return true
	}
	return false
}

// isTechnical reports names of technology that look like identifiers because of
// a digit.
func isTechnical(word string) bool {
	upper := strings.ToUpper(word)
	switch upper {
	case "DB2", "UTF8", "UTF-8", "UTF16", "MD5", "S3", "K8S", "X509", "X86", "X64", "H2", "HTTP2", "TLS1", "IPV4", "IPV6", "OAUTH2", "BASE64", "ISO8601", "V1", "V2", "V3", "LOG4J", "ORA", "EC2", "WIN32", "WIN64", "JAVA8", "JAVA11", "JAVA17", "Y2K", "P95", "P99", "S-AGENT", "X-AGENT", "D-POOL", "REM-ENG", "MM/DD/YY", "YYYY-MM-DD", "READ-ONLY", "READ_ONLY":
		return true
	}
	for _, prefix := range [...]string{"SHA", "RC", "V", "HTTP", "PORT", "EXIT", "TOP", "PT", "Q", "SIG", "CVE-", "CURL", "LINE"} {
		if rest, ok := strings.CutPrefix(upper, prefix); ok && strings.Trim(rest, "0123456789-.") == "" && rest != "" {
			return true
		}
	}
	return isAbendCode(upper)
}

// isAbendCode recognises completion codes of z/OS: S0C7, S806, U4038.
func isAbendCode(s string) bool {
	return len(s) == 4 && s[0] == 'S' && strings.Trim(s[1:], "0123456789ABCDEF") == "" && strings.ContainsAny(s, "0123456789") ||
		len(s) == 5 && s[0] == 'U' && isDigits(s[1:])
}

// isAcronym reports abbreviations that are written in capitals in any text.
func isAcronym(word string) bool {
	switch strings.Trim(word, "/") {
	case "AIX", "API", "APIS", "ASAP", "AWS", "BRT", "BST", "CA", "CEST", "CET", "CLI", "CPU", "CSV", "DB", "DBA", "DDL", "DLL", "DM", "DNS", "DWB", "DWC", "EDT", "EST", "ETA", "ETC", "FAQ", "FTA", "FTAS", "FTP", "FYI", "GB", "GMT", "GSK", "GSKIT", "GUI",
		"HCL", "HTML", "HTTP", "HTTPS", "HWA", "IBM", "ID", "IDS", "INFO", "IO", "IP", "IPC", "ISO", "IT", "IWS", "JCL", "JDBC", "JDK", "JMS", "JSDL", "JSON", "JVM", "JWT", "KB", "LAN", "LDAP", "LLM", "LTPA", "MB", "MDM", "MQ", "NAT", "NFS", "NIC", "NTP", "ODBC",
		"OOM", "OQL", "ORA", "OS", "PATH", "PC", "PDF", "PDT", "PID", "PKI", "PST", "QA", "RAM", "RC", "REST", "RPC", "SAP", "SAN", "SFTP", "SLA", "SMTP", "SNMP", "SQL", "SQLCODE", "SQLSTATE", "SSH", "SSL", "SSO", "SMS", "TB", "TCP", "TDWB", "TLS", "TODO", "TWS", "TZ",
		"UDP", "UI", "UNC", "UNIX", "LINUX", "WINDOWS", "URI", "URL", "USB", "UTC", "UUID", "VM", "VPN", "WA", "WAN", "WAS", "WLM", "WWW", "XA", "XML", "YAML", "YML", "ZIP", "CURL", "ORACLE", "MQTT", "NULL", "TRUE", "FALSE", "LIKE", "ORDER", "BY", "ASC", "DESC",
		"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "AM", "PM", "EUR", "USD", "BRL", "USA", "EU", "UK", "BR", "SOX", "GDPR", "LGPD", "PCI", "KPI", "POC", "PO", "CEO", "CIO", "RFC", "ITIL", "CAB":
		return true
	}
	return false
}

// isOrdinary reports words that people put in capitals for stress.
func isOrdinary(word string) bool {
	switch word { // capitals only: in small letters no word is taken anyway
	case "ALL", "AND", "ANY", "ARE", "BUT", "CAN", "DID", "DO", "DOES", "FOR", "FROM", "HAS", "HAVE", "HELP", "HOW", "IF", "IN", "IS", "ISN", "ITS", "NEED", "NEVER", "NOT", "NOW", "OFF", "OR", "ON", "ONLY", "OUR", "OUT", "PLEASE", "SHOW", "SO", "STATUS", "STILL", "THAT", "THE", "THEN", "THERE",
		"THIS", "TO", "TODAY", "TONIGHT", "URGENT", "VERY", "WARNING", "NOTE", "IMPORTANT", "WAS", "WE", "WHAT", "WHEN", "WHERE", "WHICH", "WHO", "WHY", "WILL", "WITH", "WITHOUT", "YOU", "YOUR", "AFTER", "BEFORE", "LAST", "NEXT", "FIRST", "LOG", "LOGS", "CODE", "START", "NAME", "TIME", "DATE",
		"AQUI", "AGORA", "COM", "COMO", "DA", "DAS", "DE", "DOS", "EM", "ESTE", "ESTA", "FOI", "HOJE", "MAIS", "NA", "NAO", "NUNCA", "ONDE", "ONTEM", "OS", "PARA", "POR", "PORQUE", "QUAL", "QUAIS", "QUANDO", "QUE", "SEM", "SIM", "SUA", "UMA", "URGENTE", "FAVOR", "TODOS", "DEU", "ERRO", "FALHOU", "AJUDA", "RODOU", "RODAR", "PAROU":
		return true
	}
	return false
}

// isExtension reports endings of file names.
func isExtension(s string) bool {
	switch strings.ToUpper(s) {
	case "BAT", "BIN", "BZ2", "CER", "CFG", "CLASS", "CMD", "COM", "CONF", "CRT", "CSV", "DAT", "DB", "DLL", "DOC", "DOCX", "EXE", "GO", "GZ", "HTML", "INI", "JAR", "JAVA", "JCL", "JKS", "JS", "JSON", "KDB", "KEY", "KSH", "LOG", "MD", "MSG", "ORG", "P12", "PDF", "PEM", "PL", "PNG",
		"PROPERTIES", "PS1", "PY", "SH", "SQL", "STH", "TAR", "TGZ", "TMP", "TXT", "XLS", "XLSX", "XML", "YAML", "YML", "ZIP":
		return true
	}
	return false
}
