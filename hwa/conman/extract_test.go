package conman

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// found lists the candidates as "kind:text".
func found(text string) []string {
	var out []string
	for _, c := range Extract(text) {
		out = append(out, string(c.Kind)+":"+c.Text)
	}
	return out
}

// The predecessor's expression, which ignored case, took every word of three
// letters for a job: "status of job ETL_DAILY" gave What, status, the….
func TestDefect13_OrdinaryWordsAreNoJobs(t *testing.T) {
	if diff := cmp.Diff([]string{"job:ETL_DAILY"}, found("What is the status of job ETL_DAILY")); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{
		"What failed overnight and what does it block?", "why does the job not start", "Why did the job ABEND?", "Which agents are down?", "Is the critical path at risk?", "the job is READY but not in EXEC",
		"JnextPlan failed with AWSJPL017E", "What do AWSJPL705E, AWSBIS348E and AWSBIS335E together with SQL State 57011 -912 mean?", "SwitchPlan reports AWSBHV082E", "FTA does not link when SSL is active",
		"AWSEDW020E Error opening IPC on an FTA", "batchman, mailman and jobman stopped on an FTA with AWSDEC002E", "MakePlan: unable to establish communication with the server on host 127.0.0.1 port 31116",
		"Agents unlink from the domain manager 30-60 minutes after JnextPlan", "conman says the dynamic agent is down but jobmanager runs (AWSITA245E)", "A job stays EXEC since JnextPlan but nothing runs on the agent", "JnextPlan out of memory",
		"is the plan extended, is FINAL ok?", "send it to john.smith@mycorp.com", "see https://host.example/path#frag.html and http://a/B_C#D", "edit /opt/IBM/TWA/localopts and JobManager.ini", "run.sh wrote Mailbox.msg and messages.log", "version 10.2.8 of DB2 with UTF-8 and SHA256 at 21:30 on 11/22/2026",
		"TCP/IP, AND/OR, I/O", "we use C# and F#, see issue #5", "RC=12, exit 8, S0C7 and U4038", "it's the job's log, don't worry", "100% of the jobs", "WHY DID THE JOB FAIL TONIGHT? PLEASE HELP", "por que o job não rodou ontem?", "Qual é a situação da produção agora? ÁREA AÇÃO",
		"status READY_WAITING_FOR_LIMIT and JOBMAN_UP", "what is the difference between HOLD and FENCE", "the SQL job is slow", "what does 'READY' mean?", "job NOT running", "e.g. this, i.e. that", "nullDSRA0010E", "", "?", "a.b", "# @ % .",
	} {
		if got := found(text); got != nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestExtract(t *testing.T) {
	for text, want := range map[string][]string{
		"Why did PAYROLL_NET abend and what does it block?":     {"name:PAYROLL_NET"},
		"why did payroll_net abend?":                            {"name:payroll_net"},
		"rerun FTA1#PAYROLL(2130 11/22/26).NET, please":         {"job:FTA1#PAYROLL(2130 11/22/26).NET"},
		"hold fta1#payroll.net.":                                {"job:fta1#payroll.net"},
		"Is /SITE/FTA1#/PAY/PAYROLL.NET late?":                  {"job:/SITE/FTA1#/PAY/PAYROLL.NET"},
		"the stream FTA1#PAYROLL is stuck":                      {"job stream:FTA1#PAYROLL"},
		"log of WK1#J1[(0600 03/04/19),(0AAAAAAAAAAAABTB)].NET": {"job:WK1#J1[(0600 03/04/19),(0AAAAAAAAAAAABTB)].NET"},
		"sj @#@.@+state=abend;info":                             {"job:@#@.@"},
		"rs 0AAAAAAAAAAAABSE.NET;schedid now":                   {"job:0AAAAAAAAAAAABSE.NET;schedid"},
		"is FTA_1 linked?":                                      {"name:FTA_1"},
		"set the limit of workstation FTA1 to 10":               {"workstation:FTA1"},
		"the FTA1 workstation is unlinked":                      {"workstation:FTA1"},
		"start agent DYNAG03 and FTA2":                          {"workstation:DYNAG03", "workstation:FTA2"},
		"cancel jobs PAY_A, PAY_B and PAY_C on MDM1":            {"job:PAY_A", "job:PAY_B", "job:PAY_C", "name:MDM1"},
		"free resource DBLOCK":                                  {"resource:DBLOCK"},
		"resource FTA1#DBLOCK is full":                          {"resource:FTA1#DBLOCK"},
		"answer prompt EOD_OK":                                  {"prompt:EOD_OK"},
		"did the job FINAL end?":                                {"job:FINAL"},
		"submit stream FINAL":                                   {"job stream:FINAL"},
		"look at MDM1#FINAL and MDM1#FINAL.MAKEPLAN":            {"job stream:MDM1#FINAL", "job:MDM1#FINAL.MAKEPLAN"},
		"the FINAL job stream is late":                          {"job stream:FINAL"},
		"job JnextPlan":                                         {"job:JnextPlan"},
		"job named \"final\" failed":                            {"job:final"},
		"Why is 'payroll' late?":                                {"name:payroll"},
		"why is “payroll.net” late?":                            {"job:payroll.net"},
		"job `etl daily`":                                       nil,
		"PAYROLL.NET abended":                                   {"job:PAYROLL.NET"},
		"the job PAYROLL abended":                               {"job:PAYROLL"},
		"PAYROLL abended with AWSBHT001E":                       {"name:PAYROLL"},
		"WHY DID JOB PAYROLL ABEND TONIGHT":                     {"job:PAYROLL"},
		"WHY DID PAYROLL_NET ABEND TONIGHT":                     {"name:PAYROLL_NET"},
		"what waits for PAY@ or FTA_?":                          {"name:PAY@", "name:FTA_?"},
		"folder /PROD/ETL and /PROD/ETL/JOB1":                   {"name:/PROD/ETL/JOB1"},
		"job etl1 failed":                                       {"job:etl1"},
		"job number 4711 or #J25565 or job #4711":               {"job number:#J25565", "job number:#4711"},
		"FTA1#25565 hangs":                                      {"job number:FTA1#25565"},
		"id 9daec769-39e0-3283-9006-2933c84d3c78":               {"id:9daec769-39e0-3283-9006-2933c84d3c78"},
		"qual o status do job ETL_DAILY?":                       {"job:ETL_DAILY"},
		"por que a tarefa FOLHA_LIQ abendou na estação SRV01?":  {"job:FOLHA_LIQ", "workstation:SRV01"},
		"o fluxo FOLHA e o agente SRV01 estão parados?":         {"job stream:FOLHA", "workstation:SRV01"},
		"Job {job} has been READY: job SQL":                     {"job:SQL"},
		"does PAY-NET run after FTA1#EOD?":                      {"name:PAY-NET", "job stream:FTA1#EOD"},
		"FTA1# is unlinked":                                     {"workstation:FTA1#"},
		"(PAYROLL_NET)":                                         {"name:PAYROLL_NET"},
		"job PAY.SQL":                                           {"job:PAY.SQL"},
	} {
		got := found(text)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
		for _, c := range Extract(text) {
			if text[c.Start:c.End] != c.Text {
				t.Errorf("%q: span %d:%d is not %q", text, c.Start, c.End, c.Text)
			}
		}
	}
}

func TestExtractGivesParts(t *testing.T) {
	got := Extract(`rerun "fta1#pay/payroll.net"`)
	want := []Candidate{{Start: 7, End: 27, Text: "fta1#pay/payroll.net", Kind: KindJob, Quoted: true, Name: Name{Workstation: "fta1", Folder: "pay", Stream: "payroll", Job: "net"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	number := Extract("job #J4711")
	if len(number) != 1 || number[0].Name.JobNumber != "4711" {
		t.Errorf("%+v", number)
	}
}

func FuzzExtract(f *testing.F) {
	for _, s := range []string{"status of job ETL_DAILY", "W#S(0900 02/19/23).J;schedid", "“é#A” 'x", "jobs A_1, B_2 and C_3", "#J1 a::b [(", "WHY JOB X?", "a@b.c http://x#y.z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		last := 0
		for _, c := range Extract(s) {
			if c.Start < last || c.End <= c.Start || s[c.Start:c.End] != c.Text {
				t.Fatalf("%q: %+v", s, c)
			}
			last = c.End
		}
	})
}

func BenchmarkExtract(b *testing.B) {
	text := strings.Repeat("Why did PAYROLL_NET abend on workstation FTA1 and what does it block? ", 50)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Extract(text)
	}
}
