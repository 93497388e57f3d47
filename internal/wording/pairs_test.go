package wording_test

// pair is two questions of which it is known whether they ask the same.
type pair struct{ a, b string }

// paraphrases ask the same in slightly other words: one answer serves both. Those
// that are not found, because too much is different, are in missed.
func paraphrases() []pair {
	return []pair{
		{"How do I restart an agent?", "how to restart the agent"},
		{"How do I restart an agent?", "Please tell me how I restart an agent"},
		{"How do I restart an agent?", "Hello, could you tell me how to restart an agent, please?"},
		{"How do I restart an agent?", "How can I restart the agent"},
		{"How do I restart an agent?", "What are the steps to restart an agent?"},
		{"How do I restart an agent?", "I want to restart an agent. How do I do that?"},
		{"How do I restart an agent?", "I want to restart an agent, how do I do that?"},
		{"How do I restart an agent?", "how can we restart an agent?"},
		{"How do I restart an agent?", "How do I restart agents?"}, // missed: number
		{"How do I restart an agent?", "What is the procedure to restart an agent?"},
		{"What does AWSBHT061E mean?", "what is AWSBHT061E"},
		{"What does AWSBHT061E mean?", "please tell me: what does awsbht061e mean"},
		{"What does AWSBHT061E mean?", "Can you tell me what AWSBHT061E means, please"},
		{"What does AWSBHT061E mean?", "What's the meaning of the message AWSBHT061E?"},
		{"What does AWSBHT061E mean?", "what does error code AWSBHT061E mean?"},
		{"Why does a job stay in READY?", "why does the job stay in READY"},
		{"Why can't the agent link?", "Why can not the agent link?"},
		{"Why doesn't the plan extend?", "why does the plan not extend?"}, // missed: order
		{"What is the fence of a workstation?", "what's the fence of the workstation"},
		{"Where do I find the job log?", "where can I find the job log?"},
		{"How do I extend the plan by two days?", "how to extend the plan by two days, thanks"},
		{"How do I set up a fault tolerant agent?", "how can I set up an FTA?"},
		{"How do I back up the database?", "How to back up the db?"},
		{"How do I customise the calendar?", "how to customize a calendar"},
		{"What happens to dependencies when a job stream is cancelled?", "what happens to the dependencies when the job stream is cancelled"},
		{"Which command lists the successors of a job?", "Hi! Which command lists the successors of the job?"},
		{"What do I do when the mailbox is full?", "what to do when the mailbox is full"},
		{"How do I change the limit of FTA1 to 20?", "please, how can I change the limit of FTA1 to 20"},
		{"How do I switch to the backup master domain manager?", "how to switch to the backup domain manager of the master"}, // missed: other words
		{"How do I restart an agent?", "What is the best way of restarting an agent?"},                                       // missed
		{"How is the plan extended?", "How do I extend the plan?"},                                                           // missed
		{"Why was the job suppressed?", "For what reason was the job suppressed?"},                                           // missed
		{"Can a job wait for a file on another agent?", "Is it possible for a job to wait for a file on another agent?"},     // missed

		{"Como reiniciar um agente?", "Como posso reiniciar o agente?"},
		{"Como reiniciar um agente?", "como faço para reiniciar um agente"},
		{"Como reiniciar um agente?", "Por favor, você pode me dizer como reiniciar o agente?"},
		{"Como reiniciar um agente?", "Bom dia, como eu posso reiniciar um agente? Obrigado"},
		{"Como reiniciar um agente?", "Qual é o procedimento para reiniciar um agente?"},
		{"O que significa AWSBHT061E?", "o que é AWSBHT061E"},
		{"O que significa AWSBHT061E?", "Qual o significado da mensagem AWSBHT061E?"},
		{"O que significa AWSBHT061E?", "me diga o que quer dizer o erro AWSBHT061E, por favor"},
		{"Por que o job não inicia?", "por que o job nao inicia?"},
		{"Como alterar a instância do fluxo?", "como posso alterar a instância do fluxo"},
		{"Onde posso ver o log do job?", "onde ver o log do job"},
		{"O que fazer quando a caixa de correio está cheia?", "o que eu faço quando a caixa de correio está cheia"},
		{"Qual comando lista os sucessores de um job?", "Olá, qual comando lista os sucessores do job?"}, // missed: de um, do
		{"Por que o plano não é estendido?", "Qual o motivo de o plano não ser estendido?"},              // missed
	}
}

// others look alike and ask something else: an answer for one given to the other
// would be wrong.
func others() []pair {
	return []pair{
		{"How do I start an agent?", "How do I stop an agent?"},
		{"How do I link the workstation?", "How do I unlink the workstation?"},
		{"How do I restart agent FTA1?", "How do I restart agent FTA2?"},
		{"How do I restart agent FTA1?", "How do I restart an agent?"},
		{"How do I restart agent fta1?", "How do I restart agent FTA1?"}, // names on UNIX differ in case
		{"Why does the job start?", "Why does the job not start?"},
		{"Why can the agent link?", "Why can't the agent link?"},
		{"Why does the plan extend?", "Why doesn't the plan extend?"},
		{"Can I cancel a job with successors?", "Can I cancel a job without successors?"},
		{"What must run before the plan is extended?", "What must run after the plan is extended?"},
		{"Does job A run before job B?", "Does job B run before job A?"},
		{"Does PAYROLL wait for LEDGER?", "Does LEDGER wait for PAYROLL?"},
		{"How do I move a job from FTA1 to FTA2?", "How do I move a job from FTA2 to FTA1?"},
		{"How do I copy from a to b?", "How do I copy from b to a?"},
		{"How do I set the limit to 10?", "How do I set the limit to 100?"},
		{"How do I set the limit to 1.0?", "How do I set the limit to 10?"},
		{"What does AWSBHT061E mean?", "What does AWSBHT062E mean?"},
		{"What does AWSBHT061E mean?", "What does AWSBHT061W mean?"},
		{"What does AWSBHT061E mean?", "How do I fix AWSBHT061E?"},
		{"What does return code 4 mean?", "What does return code -4 mean?"},
		{"What does RC=4 mean?", "What does RC>4 mean?"},
		{"What does the option -a do?", "What does the option -A do?"},
		{"What does the option -a do?", "What does the option do?"},
		{"How do I start a job at 06:00?", "How do I start a job at 18:00?"},
		{"What runs at 6 am?", "What runs at 6 pm?"},
		{"How do I extend the plan to 2026-11-22?", "How do I extend the plan to 2026-11-23?"},
		{"Why was the job cancelled?", "Why is the job cancelled?"},
		{"Why did the job fail?", "Why does the job fail?"},
		{"What happens when a job has started?", "What happens when a job starts?"},
		{"Should I restart the agent?", "Can I restart the agent?"},
		{"How do I restart an agent?", "How should I restart an agent?"},
		{"How do I restart an agent?", "Why do I restart an agent?"},
		{"How do I restart an agent?", "When do I restart an agent?"},
		{"When can I restart an agent?", "When do I restart an agent?"},
		{"What can I do when the mailbox is full?", "What do I do when the mailbox is full?"},
		{"How do you decide which jobs to cancel?", "How do I decide which jobs to cancel?"},
		{"May I cancel a job?", "Must I cancel a job?"},
		{"How do I import definitions?", "How do I export definitions?"},
		{"Is the import of definitions possible?", "Is the important of definitions possible?"}, // one stem
		{"How do I terminate a session?", "How do I terminal a session?"},                       // one stem
		{"How do I find the scheduler?", "How do I find the schedule?"},                         // one stem
		{"Which operator started the job?", "Which operation started the job?"},                 // one stem
		{"What does \"Link\" do?", "What does \"Unlink\" do?"},
		{"What does the prompt \"the end\" mean?", "What does the prompt \"an end\" mean?"},
		{"What does 'Please wait' mean?", "What does 'wait' mean?"},
		{"Can a job run on two agents?", "Can jobs run on two agents?"},
		{"How do I run a job on agents?", "How do I run jobs on an agent?"},
		{"What does A.B mean?", "What does A B mean?"},
		{"please", "hello"}, {"the a", "hello"}, {"?", "please?"},
		{"Do all jobs wait?", "Do some jobs wait?"},
		{"Do only late jobs wait?", "Do late jobs only wait?"},
		{"How do I run a job once a day?", "How do I run a job once a week?"},
		{"Is a job at a time run?", "Is the job at the time run?"},
		{"Is there a few seconds of delay?", "Is there few seconds of delay?"},
		{"What is a second agent for?", "What is the second agent for?"},
		{"How do I open Windows?", "How do I open a window?"},
		{"What runs in May?", "What may run in?"},
		{"Does job A start?", "Does job start?"},
		{"does job a start?", "does job start?"},
		{"How do I restart the agent, not the job?", "How do I restart the agent and the job?"},
		{"How do I delete PAY?* from the plan?", "How do I delete PAY* from the plan?"},
		{"What do I need to restart an agent?", "How do I restart an agent?"},
		{"I want to restart an agent. Why do I do that?", "I want to restart an agent. How do I do that?"},
		{"I do not want to restart an agent, how do I do that?", "I want to restart an agent, how do I do that?"},
		{"Is the agent up or down?", "Is the agent down or up?"}, // order is kept even here
		{"How long does a job wait?", "How often does a job wait?"},
		{"How do I add a dependency to a job?", "How do I add a job to a dependency?"},
		{"Which jobs does the stream release?", "Which streams does the job release?"},
		{"What is the limit in version 9.5?", "What is the limit in version 10.1?"},
		{"How do I restart the agent on Linux?", "How do I restart the agent on AIX?"},
		{"How do I rerun a job from a step?", "How do I rerun a job to a step?"},
		{"What is opens?", "What is follows?"},
		{"How do I restart an agent?", "Como reiniciar um agente?"}, // the answer is in another language

		{"Como iniciar um agente?", "Como parar um agente?"},
		{"Por que o job inicia?", "Por que o job não inicia?"},
		{"Posso cancelar o job com sucessores?", "Posso cancelar o job sem sucessores?"},
		{"O que roda antes do plano?", "O que roda depois do plano?"},
		{"Como reiniciar o agente FTA1?", "Como reiniciar o agente FTA2?"},
		{"Como reiniciar um agente?", "Como devo reiniciar um agente?"},
		{"O job está parado?", "Esta job parado?"},
		{"Por que o job foi cancelado?", "Por que o job será cancelado?"},
		{"O plano e válido?", "O plano é válido?"},
		{"Como rodar um job por vez?", "Como rodar o job por vez?"},
		{"Como rodar mais de um job?", "Como rodar mais do job?"},
		{"Como mudar de 8 a 10?", "Como mudar de 10 a 8?"},
		{"Como importar definições?", "Como exportar definições?"},
		{"Quando posso reiniciar o agente?", "Como posso reiniciar o agente?"},
		{"¿Por qué no arranca el agente?", "¿Por qué nos arranca el agente?"}, // another language
	}
}
