package hwasim

import "strings"

// failure names a text that a log or the engine's messages show. The wording is
// ours; codes and the short message texts quoted in the scenarios are the product's.
type failure uint8

const (
	failNone failure = iota
	failPayrollData
	failReturnCode
	failKilled
	failLogonUser
	failJPL017
	failJPL018
	failBEH023
	failBEH021
	failJDB801
	failJCS011
	failJPL705
	failBHV082
	failJCL054
	failBCW037
	failBCV035
	failEDW020
	failDEC002
	failUnlink
	failITA245
	failDiskFull
	failPermission
	failORA942
	failHeap
	failFTE007
	failScript
	failDBLogin
	failTimeout
	failNetwork
	failDuplicate
	failSAP
	failORA1555
	failCertificate
)

// failText is what a run with this failure prints at its end. $JOB, $WS, $USER,
// $SCRIPT and $HOST are filled in.
var failText = map[failure]string{
	failPayrollData: `step 3/5: computing net amounts, 48211 employees in 61 pay groups
pay group 37: 812 employees
ERROR: employee 00471193: tax class is empty, net amount cannot be computed
ERROR: employee 00471207: tax class is empty, net amount cannot be computed
ERROR: pay group 37: 2 of 812 records rejected, tolerance is 0
rolling back pay group 37; groups 1 to 36 are committed, restart continues at group 37
payroll_net: ended with errors, return code 8`,
	failReturnCode: `ERROR: 3 input records rejected, control total does not match (expected 1840331.22, got 1840118.07)
processing stopped, return code 8`,
	failKilled: `caught signal 15 (terminated by the scheduler on an operator's or the engine's request)`,
	failLogonUser: `BATCHMAN:+ AWSBHT001E The job "$JOB" in file "$SCRIPT" has failed with the error: AWSBDW009E error retrieving the password structure for either the logon user or a file's owner: $USER
The job was not started on $WS: there is no user "$USER" on that system.`,
	failJPL017: `Starting MakePlan
AWSJPL017E The production plan cannot be created because a previous action on the production plan did not complete successfully.
The earlier plan was never switched: Symnew of the run before is still there.
MakePlan ended, return code 12`,
	failJPL018: `Starting MakePlan
AWSJPL018E The database is already locked.
The global lock was taken by a planner that no longer runs.
MakePlan ended, return code 12`,
	failBEH023: `Starting MakePlan
AWSBEH023E Unable to establish communication with the server on host "127.0.0.1" using port "31116".
Nothing listens on 127.0.0.1:31116 (connection refused, 3 attempts).
MakePlan ended, return code 12`,
	failBEH021: `Starting MakePlan
AWSBEH021E The user "twsuser" is not authorized to access the server on host "127.0.0.1" using port "31116".
MakePlan ended, return code 12`,
	failJDB801: `Starting MakePlan
Extending the preproduction plan: 184210 job stream instances
AWSJDB801E The planner's insert was refused. The transaction log for the database is full.
MakePlan ended, return code 12`,
	failJCS011: `Starting MakePlan
AWSJCS011E An internal error has occurred. The error is the following: "java.lang.OutOfMemoryError".
MakePlan ended, return code 12`,
	failJPL705: `Starting MakePlan
AWSJPL705E planner: the preproduction plan was not extended.
AWSBIS348E, AWSBIS335E: no plan was created for the new period.
AWSJDB801E database: nullDSRA0010E: SQL State = 57011, Error Code = -912
MakePlan ended, return code 12`,
	failBHV082: `Starting SwitchPlan
STAGEMAN: AWSBHV082E: The previous Symphony file and Symnew file have the same run number.
Both files carry run number $RUN; nothing was switched.
SwitchPlan ended, return code 12`,
	failJCL054: `Starting SwitchPlan
STAGEMAN: Symphony has run number $RUN, workstations are being started
planman confirm
AWSJCL054E The command "CONFIRM" has failed.
AWSJPL016E: the global option "confirm run member" cannot be set.
SwitchPlan ended, return code 8`,
	failBCW037: `WRITER: AWSBCW037E Writer cannot initialize this workstation because mailman is still active.
MAILMAN: AWSBCW039E $WS is not initialized yet; a stop has been sent to it.
Symphony with the new run number has not been sent to $WS.`,
	failBCV035: `MAILMAN: AWSBCV035W Mailman was unable to link to workstation: $WS; the messages are written to the PO box.
MAILMAN: AWSBCV082I from $WS: AWSDEB009E Data transmission is not possible because the connection is broken.
WRITER: AWSBCW003E $WS was turned away: AWSDEB046E in the SSL handshaking.`,
	failEDW020: `NETMAN on $WS: AWSEDW020E: Error opening IPC
NETMAN on $WS: AWSEDW001I: Getting a new socket: 9`,
	failDEC002: `MAILMAN on $WS: AWSBCV012E Mailman cannot read a message in a message file. Reason: AWSDEC002E An internal error has occurred.
BATCHMAN, MAILMAN and JOBMAN of $WS have ended; the message file is Mailbox.msg.`,
	failUnlink: `MAILMAN: no answer from $WS within the response time, the workstation is unlinked.
The backlog of messages after the plan switch is still being worked off.`,
	failITA245: `JOBMAN on $WS: AWSITA245E An error occurred getting the response of the HTTP request. The error is "CURL error 35".
The agent process runs, but its answers do not arrive.`,
	failDiskFull: `write /data/work/stage_0417.tmp: No space left on device
ERROR: file system /data/work is full (100 % used, 0 bytes free)
ended with return code 4`,
	failPermission: `$SCRIPT: /data/out/extract.csv: Permission denied
ERROR: user $USER may not write to /data/out
ended with return code 126`,
	failORA942: `SQL> insert into settle_day select * from netting_result
ORA-00942: table or view does not exist
ERROR at line 1, statement 14 of 22; transaction rolled back
ended with return code 12`,
	failHeap: `Exception in thread "worker-7" java.lang.OutOfMemoryError: Java heap space
	at com.bank.batch.Aggregator.grow(Aggregator.java:214)
	at com.bank.batch.Aggregator.add(Aggregator.java:131)
ended with return code 3`,
	failFTE007: `AWKFTE007E transfer broken off: the remote host ended the connection.
transfer of 1 file to sftp.partner.example failed after 3 attempts, 0 bytes sent
ended with return code 1`,
	failScript: `sh: $SCRIPT: No such file or directory
ended with return code 127`,
	failDBLogin: `ORA-28001: the password has expired
ERROR: database user $USER cannot log on
ended with return code 1`,
	failTimeout: `connect to rates.provider.example:443: connection timed out (3 attempts, 60 s each)
ERROR: no rates received
ended with return code 7`,
	failNetwork: `ssh: Could not resolve hostname partner-gw.example: Name or service not known
ended with return code 255`,
	failDuplicate: `ORA-00001: unique constraint (GL.PK_POSTING) violated
ERROR: posting 20261122-0001187 exists; the file was probably loaded before
ended with return code 12`,
	failSAP: `SAP job ended with status A (aborted): message SG105, exchange rate EUR/USD for 22.11.2026 is missing
ended with return code 8`,
	failORA1555: `ORA-01555: snapshot too old: rollback segment number 9 too small
ERROR: query ran 47 min; transaction rolled back
ended with return code 12`,
	failCertificate: `curl: (60) SSL certificate problem: certificate has expired
ERROR: upload to portal.regulator.example refused
ended with return code 60`,
}

// failLines fills the placeholders of a failure's text.
func (s *Sim) failLines(f failure, ji int32) string {
	j := &s.jobs[ji]
	w := &s.ws[j.ws]
	return s.fillIn(failText[f], w).Replace(map[string]string{"$JOB": s.jobKey(j), "$USER": j.def.login, "$SCRIPT": scriptOf(j.def)})
}

// filled is a text whose placeholders are being replaced.
type filled string

func (s *Sim) fillIn(text string, w *workstation) filled {
	return filled(filled(text).Replace(map[string]string{"$WS": w.name, "$HOST": w.node, "$RUN": itoa(int(s.runNumber))}))
}

// Replace fills in the placeholders of a map.
func (f filled) Replace(values map[string]string) string {
	out := string(f)
	for k, v := range values {
		out = strings.ReplaceAll(out, k, v)
	}
	return out
}
