package retrieve

import "strings"

// glossaryText translates the words operators use in Portuguese to the words of
// the English manuals: "portuguese = english", where | parts alternatives and a
// blank parts words that are looked for one by one. Phrases are tried before
// words; the words are compared by stem, so one form of each is enough.
const glossaryText = `
abend = abend
abendou = abend
abortar = abend|abort
acao = action
aceitar = accept
acesso = access
acompanhar = monitor
adicionar = add
agendamento = schedule
agendado = schedule
agendador = scheduler
agente = agent
agente dinamico = dynamic agent
agente tolerante a falhas = fault tolerant agent
aguardar = wait|hold
aguardando = wait|hold
alerta = alert|warning
alterar = change|modify
alteracao = change
ambiente = environment
andamento = progress|running
aplicar = apply
apagar = delete|remove
aprovacao = approval
area de trabalho = workspace
armazenamento = storage
arquivo = file
arquivos = file
arquivo de log = log file
assinatura = signature
ativar = enable|activate
ativo = active
atrasado = late|delay
atraso = delay|late
atualizar = update|upgrade
atualizado = update
aumentar = increase|raise
ausente = missing
autenticacao = authentication
autorizado = authorized
autorizacao = authorization
aviso = warning
banco = database
banco de dados = database
base = database
base de dados = database
bloquear = lock|block
bloqueado = lock|block
bloqueio = lock
cadeia = chain
caixa de correio = mailbox
calendario = calendar
caminho = path
caminho critico = critical path
cancelar = cancel
carga = load|workload
carregar = load
causa = cause
certificado = certificate
chave = key
cheio = full
codigo = code
codigo de retorno = return code
codigo de saida = exit|return code
comando = command
compartilhado = shared
comunicacao = communication
concluir = complete|finish
condicao = condition
conectar = connect|link
conexao = connection
conferir = check|verify
configuracao = configuration
confirmar = confirm
consertar = fix|repair
consulta = query
console = console
contagem = count
correcao = fix
corrigir = correct|fix
corrompido = corrupt
corromper = corrupt
cota = quota|limit
criar = create
criacao = creation|create
critico = critical
dados = data
definicao = definition
definir = define
deletar = delete
demora = slow|delay
demorar = slow|delay
dependencia = dependency
desbloquear = unlock
descompasso = mismatch
desconectar = unlink|disconnect
desempenho = performance
desligar = stop|shutdown
desvincular = unlink
desvinculado = unlink
diario = daily
diretorio = directory
disco = disk
disponivel = available
dominio = domain
duplicado = duplicate
duracao = duration
encerrar = stop|end|terminate
encontrar = find
enviar = send|submit
envio = submission|send
erro = error|failure
escalonador = scheduler
espaco = space
espera = wait|hold
esperando = wait
esperar = wait
esgotado = exhausted|timeout
estado = state|status
estacao = workstation
estacao de trabalho = workstation
estatistica = statistics
estouro = overflow|exceed
evento = event
exceder = exceed
excecao = exception
excluir = delete
execucao = run|execution
executar = run|execute
executando = running|exec
exibir = display|show
expirado = expired|timeout
expirar = expire|timeout
extensao = extension|extend
estender = extend
falha = failure|fail|error
falhar = fail
falhou = fail
faltar = missing|lack
falta = missing|lack
fechar = close
ferramenta = tool
fila = queue
fila de mensagens = message queue
fluxo = stream
fluxo de jobs = job stream
fluxo de trabalhos = job stream
fora do ar = down|unavailable
funcionar = work
gerar = generate|create
gerenciador = manager
gerenciador de dominio = domain manager
gerenciador de dominio mestre = master domain manager
gravar = write
grupo = group
habilitar = enable
historico = history
hora = time|hour
horario = time|schedule
horario de verao = daylight saving time
impedir = prevent
impressao = print
inacessivel = unreachable
indisponivel = unavailable
inicializar = initialize
inicializacao = initialization
iniciar = start
inicio = start
inesperado = unexpected
instalacao = installation
instalar = install
instancia = instance
interface = interface
interromper = interrupt|stop
invalido = invalid
janela = window
ler = read
lento = slow
lentidao = slow|performance
liberar = release
ligar = link|start|connect
limite = limit
limpar = clean|clear
linha = line
linha de comando = command line
lista = list
lista de bloqueios = lock list
log de transacoes = transaction log
maquina = machine|computer
maquina virtual = virtual machine
manutencao = maintenance
matar = kill
memoria = memory
memoria insuficiente = memory insufficient
mensagem = message
mensagem de erro = error message
mestre = master
migracao = migration
modificar = modify|change
mostrar = show|display
mover = move
mudanca = change
mudar = change
navegador = browser
no = node
nome = name
nome de usuario = user name
nivel = level
numero = number
numero da execucao = run number
obter = get|retrieve
operador = operator
ordem = order
padrao = default
painel = dashboard|console
parado = stopped|down|hang
parar = stop
parou = stop
parametro = parameter|option
pasta = folder
pendente = pending
perder = lose|lost
perdido = lost
permissao = permission|authorization
pesquisa = search|query
plano = plan
plano de producao = production plan
pool = pool
porta = port
prazo = deadline
preso = stuck|hang
prioridade = priority
processador de eventos = event processor
processo = process
producao = production
programacao = schedule
programado = schedule
pronto = ready
propriedade = property
provedor = provider
quadro = dashboard
queda = crash|down|failure
quebrado = broken|corrupt
raiz = root
reconhecer = recognize
recuperacao = recovery
recuperar = recover|retrieve
recusado = refused|rejected
recurso = resource
rede = network
reexecutar = rerun
registro = log|record|registry
regra = rule
regra de evento = event rule
reiniciar = restart
relatorio = report
relogio = clock
remover = remove|delete
replicacao = replication
reprocessar = rerun
requisicao = request
resolver = resolve|solve|fix
responder = reply|respond
resposta = response|reply
retorno = return
retido = hold|held
rodar = run
rodando = running|exec
rodou = run
saida = output|exit
salvar = save
segundo plano = background
seguranca = security
senha = password
servico = service
servidor = server
servidor de aplicativos = application server
servidor de aplicacao = application server
sessao = session
sincronizar = synchronize
sistema = system
sistema de arquivos = file system
sistema operacional = operating system
solicitacao = request
solucao = solution
somente leitura = read only
sobrecarga = overload
submeter = submit
subir = start
subiu = start
sucesso = success
sucessor = successor
suspenso = suspended|hold
tabela = table
tabela de variaveis = variable table
tamanho = size
tarefa = task|job
tempo = time
tempo limite = timeout
tempo esgotado = timeout
tempo de espera = timeout
tentar = try|attempt
tentativa = attempt|retry
terminar = end|complete|terminate
trabalho = job|work
trabalhos = jobs
tracar = trace
rastreamento = trace
transacao = transaction
travado = stuck|hang|locked
travar = hang|lock
trava = lock
trocar = switch|change
troca = switch
usuario = user
usuario e senha = user password
utilizar = use
validar = validate
valor = value
variavel = variable
vazio = empty
velocidade = speed
verificar = check|verify
versao = version
vincular = link
vinculado = linked
virada = switch
voltar = return|back
`

// abbreviationText spells out what operators abbreviate, and joins words of the
// field that mean the same, within English.
const abbreviationText = `
fta = fault tolerant agent
mdm = master domain manager
bmdm = backup master domain manager
ddm = dynamic domain manager
bkm = backup master
dwc = dynamic workload console
was = application server
db = database
js = job stream
ws = workstation
cpu = workstation
dst = daylight saving
oom = memory outofmemoryerror
outofmemory = memory outofmemoryerror
pwd = password
wlp = liberty
cert = certificate
abended = abend
abort = abort|abend
alias = alias
answer = reply|answer
appear = appear|display|show
bad = wrong|incorrect|invalid
big = large|big
blank = blank|empty
blow up = fail
box = workstation|computer|machine
broken = break|corrupt
come up = start
connect = connect|link
contact = contact|connect
corrupted = corrupt
crash = crash|core|abnormal|fail
damaged = corrupt|damage
delay = delay|late
delete = delete|remove
dead = stop|down
die = fail|stop|crash
disappear = disappear|missing|lost
disconnect = disconnect|unlink
down = down|stop
dump = dump|core
empty = empty|blank
erase = delete|remove
fail = fail|error
failed = fail|error
failure = fail|error
fill up = full
fire = trigger|fire
forbidden = authorized|permission
freeze = hang|freeze
garbage = corrupt|garble
garbled = corrupt|garble
go down = stop|down|fail
grow = increase|grow
hang = hang|freeze
huge = large|big
idle = wait|idle
ignore = ignore
kick off = start|launch
kill = kill|stop
launch = launch|start
locked = lock
log in = login|logon
login = login|log|logon
logon = logon|login
lose = lose|missing
lost = lose|missing
machine = workstation|computer|machine
mail = mail|email
email = email|mail
messed up = corrupt|wrong
missing = missing|lose|miss
never ends = hang|complete|running
out of memory = memory outofmemoryerror
password change = password change
permission = permission|authorization
picked up = recognize|load
port in use = port
purge = delete|remove
reach = contact|connect|reach
reboot = restart|reboot
refuse = refuse|reject
reject = reject|refuse
remedy = solution|fix
remove = remove|delete
rerun = rerun|restart
respond = respond|response|reply
rotated = change|rotation
schedule = schedule|job stream
screen = panel|page|window
server = server
slow = slow|performance
slowly = slow|performance
sluggish = slow|performance
spin up = start
stick = stick|hang
stuck = stick|hang
throw = error|exception
too small = size|insufficient|space
trigger = trigger
turn off = disable|stop
turn on = enable|activate
unable = fail|unable
unauthorized = authorized|unauthorized
unreachable = unreachable|contact|connect
vanish = missing|lose|disappear
wait forever = hang|wait
weird = strange|unexpected|incorrect
wrong = wrong|incorrect
`

// phrase is a glossary entry: the stems that must follow each other, and the
// groups of English terms they stand for.
type phrase struct {
	from []string
	to   [][]string
}

// lexicon finds phrases by their first stem, longest first.
type lexicon map[string][]phrase

// glossaryPT and glossaryEN are read from the texts above once and never change.
var (
	glossaryPT = readLexicon(glossaryText, portuguese)
	glossaryEN = readLexicon(abbreviationText, english)
)

func readLexicon(text string, lang language) lexicon {
	lex := lexicon{}
	for ln := range strings.Lines(text) {
		from, to, ok := strings.Cut(strings.TrimSpace(ln), " = ")
		if !ok {
			continue
		}
		p := phrase{}
		for w := range strings.FieldsSeq(from) {
			p.from = append(p.from, stem(w, lang))
		}
		for w := range strings.FieldsSeq(to) {
			var alt []string
			for a := range strings.SplitSeq(w, "|") {
				alt = append(alt, stemEnglish(a))
			}
			p.to = append(p.to, alt)
		}
		lex[p.from[0]] = insert(lex[p.from[0]], p)
	}
	return lex
}

// insert keeps the phrases of one first stem longest first; the earlier of two
// equally long ones wins.
func insert(list []phrase, p phrase) []phrase {
	i := 0
	for i < len(list) && len(list[i].from) >= len(p.from) {
		i++
	}
	return append(list[:i], append([]phrase{p}, list[i:]...)...)
}

// match is the longest phrase that the stems begin with.
func (l lexicon) match(stems []string) (phrase, bool) {
	if len(stems) == 0 {
		return phrase{}, false
	}
next:
	for _, p := range l[stems[0]] {
		if len(p.from) > len(stems) {
			continue
		}
		for i, w := range p.from {
			if stems[i] != w {
				continue next
			}
		}
		return p, true
	}
	return phrase{}, false
}

// glossaryHas says whether a folded word begins a Portuguese entry.
func glossaryHas(low string) bool {
	for _, p := range glossaryPT[stemPortuguese(low)] {
		if len(p.from) == 1 && stemEnglish(low) != p.to[0][0] {
			return true
		}
	}
	return false
}
